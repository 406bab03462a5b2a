"""The HTTP face: takes uploads, launches their runs, shows progress and results.

Stands beside `orchestration` on `store`: the database is the truth, Dagster is asked over GraphQL.
`app.create_app()` is the only wiring.
"""
