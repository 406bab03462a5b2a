#!/bin/sh
# Writes Apache's configuration out of oauth2-proxy's settings.
set -eu
umask 077
mkdir -p /tmp/run
cat >/tmp/apache.conf <<CONF
ServerRoot /etc/apache2
ServerName localhost
PidFile /tmp/run/apache2.pid
DefaultRuntimeDir /tmp/run
Mutex file:/tmp/run default
ErrorLog /dev/stderr
LogLevel warn
Listen 0.0.0.0:4180
IncludeOptional mods-enabled/*.load
TypesConfig /dev/null
# By the inner address: its document names the outer one where browsers are led.
OIDCProviderMetadataURL ${OAUTH2_PROXY_OIDC_JWKS_URL%/protocol/*}/.well-known/openid-configuration
OIDCProviderTokenEndpointAuth client_secret_basic
OIDCClientID ${OAUTH2_PROXY_CLIENT_ID}
OIDCClientSecret $(cat "$OAUTH2_PROXY_CLIENT_SECRET_FILE")
OIDCRedirectURI ${OAUTH2_PROXY_REDIRECT_URL}
OIDCCryptoPassphrase $(cat "$OAUTH2_PROXY_COOKIE_SECRET_FILE")
OIDCPKCEMethod ${OAUTH2_PROXY_CODE_CHALLENGE_METHOD}
OIDCScope "openid profile email"
OIDCHTTPTimeoutShort 30
OIDCHTTPTimeoutLong 60
OIDCCookieSameSite On
# Whoever is not signed in and asks for data is not led to a login page.
OIDCUnAuthAction auth "%{HTTP_ACCEPT} =~ m#text/html#"
ProxyPreserveHost On
ProxyPass /realms/ http://keycloak:8080/realms/
ProxyPass /resources/ http://keycloak:8080/resources/
<Location /ping>
  Require all granted
  Redirect 204 /ping
</Location>
<LocationMatch "^/(realms/claims/|resources/)">
  Require all granted
</LocationMatch>
<LocationMatch "^/(?!realms/claims/|resources/|ping\$)">
  AuthType openid-connect
  Require claim "realm_access.roles:${OAUTH2_PROXY_ALLOWED_ROLES}"
</LocationMatch>
ProxyPass /ping !
ProxyPass /oauth2 !
ProxyPass / http://webserver:3000/
CONF
exec apache2 -f /tmp/apache.conf -DFOREGROUND
