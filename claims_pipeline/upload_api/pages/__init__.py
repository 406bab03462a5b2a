"""The upload page: the same uploads as the API's, for people at a browser.

Pages are HTML made here, work without scripts, and what they do goes through the same functions as
the API's operations. People sign in through the server (`sign_in`): the browser holds a cookie that
means nothing elsewhere, and no token. A route of a page asks for `SignedIn`, who is there, and
`PageServices`, which show that organization only; `page_router` joins the routes.
"""
