# In place of Keycloak's image where no registry can be reached: the same distribution, on Debian's
# Java. The context holds the zip from Maven Central, fetched by the check.
ARG BASE_IMAGE=python:3.11-slim
FROM ${BASE_IMAGE}
RUN apt-get update \
    && apt-get install -y --no-install-recommends openjdk-17-jre-headless unzip \
    && rm -rf /var/lib/apt/lists/*
COPY keycloak.zip /tmp/keycloak.zip
RUN unzip -q /tmp/keycloak.zip -d /opt \
    && mv /opt/keycloak-* /opt/keycloak \
    && rm /tmp/keycloak.zip \
    && useradd --uid 1000 --gid 0 --home-dir /opt/keycloak keycloak \
    && chown -R keycloak:root /opt/keycloak
USER 1000
ENTRYPOINT ["/opt/keycloak/bin/kc.sh"]
