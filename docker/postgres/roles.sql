-- The roles of claims_pipeline in its database. Run once by an administrator of the server, and
-- again to change passwords:
--
--   psql -d claims -v owner_password=… -v pipeline_password=… -v api_password=… -f roles.sql
--
-- claims_owner     owns the tables; only migrations (claims-pipeline db upgrade) and restores use it
-- claims_pipeline  Dagster's code servers, runs and daemon: all organizations, bulk loads by COPY,
--                  backups by pg_dump
-- claims_api       the upload API: one organization in each transaction, kept apart by the database
\set ON_ERROR_STOP on

SELECT format('CREATE ROLE %I', name)
FROM unnest(ARRAY['claims_owner', 'claims_pipeline', 'claims_api']) AS name
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name)
\gexec

ALTER ROLE claims_owner LOGIN PASSWORD :'owner_password';
-- The security of rows is not checked for it: PostgreSQL would refuse it any COPY.
ALTER ROLE claims_pipeline LOGIN BYPASSRLS PASSWORD :'pipeline_password';
ALTER ROLE claims_api LOGIN NOBYPASSRLS PASSWORD :'api_password';

SELECT format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database())
\gexec
SELECT format('GRANT CONNECT, TEMPORARY ON DATABASE %I TO claims_owner, claims_pipeline, claims_api',
              current_database())
\gexec

REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE, CREATE ON SCHEMA public TO claims_owner;
GRANT USAGE ON SCHEMA public TO claims_pipeline, claims_api;

-- For the tables that are there, and those that migrations will make.
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO claims_pipeline, claims_api;
-- A backup, which the pipeline's role may make, reads the sequences too.
GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO claims_pipeline, claims_api;
ALTER DEFAULT PRIVILEGES FOR ROLE claims_owner IN SCHEMA public
    GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO claims_pipeline, claims_api;
ALTER DEFAULT PRIVILEGES FOR ROLE claims_owner IN SCHEMA public
    GRANT USAGE, SELECT ON SEQUENCES TO claims_pipeline, claims_api;
