# In place of oauth2-proxy's image where no registry can be reached: the same program, of the same
# version. The context holds it, built by the check from its source.
ARG BASE_IMAGE=python:3.11-slim
FROM ${BASE_IMAGE}
RUN apt-get update \
    && apt-get install -y --no-install-recommends wget \
    && rm -rf /var/lib/apt/lists/*
COPY oauth2-proxy /bin/oauth2-proxy
USER 65532
ENTRYPOINT ["/bin/oauth2-proxy"]
