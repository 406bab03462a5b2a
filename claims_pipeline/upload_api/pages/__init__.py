"""The upload page: the same uploads as the API's, for people at a browser.

Pages are HTML made here, work without scripts, and know their reader by a session cookie; what
they do goes through the same functions as the API's operations.
"""
