"""Sign-in: Keycloak's access tokens, the organization and roles they carry."""
