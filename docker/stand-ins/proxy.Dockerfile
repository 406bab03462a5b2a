# In place of oauth2-proxy where no registry can be reached: Apache with mod_auth_openidc, which
# takes oauth2-proxy's settings as far as compose.yaml uses them.
ARG BASE_IMAGE=python:3.11-slim
FROM ${BASE_IMAGE}
RUN apt-get update \
    && apt-get install -y --no-install-recommends apache2 libapache2-mod-auth-openidc wget \
    && rm -rf /var/lib/apt/lists/* \
    && a2enmod --quiet auth_openidc proxy proxy_http headers rewrite
COPY proxy-entrypoint.sh /usr/local/bin/proxy-entrypoint
USER 33
ENTRYPOINT ["proxy-entrypoint"]
