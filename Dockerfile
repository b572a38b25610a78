# edgeproof for CI: docker build -t edgeproof . ; docker run --rm -v "$PWD:/work" edgeproof check pi
# --build-arg EXTRAS=convert adds TensorFlow for `export`; several with commas between.
FROM python:3.12-slim-bookworm AS build
ARG EXTRAS=history
WORKDIR /source
COPY pyproject.toml README.md LICENSE ./
COPY host host
COPY device device
RUN python -m venv /opt/edgeproof \
    && /opt/edgeproof/bin/pip install --no-cache-dir --disable-pip-version-check ".[${EXTRAS}]"

FROM python:3.12-slim-bookworm
# ssh is for ProxyCommand of ~/.ssh/config; connections themselves need none. Debian's versions go away with each point
# release, so that none is pinned.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends openssh-client \
    && rm -rf /var/lib/apt/lists/*
COPY --from=build /opt/edgeproof /opt/edgeproof
RUN useradd --create-home --uid 1000 edgeproof
ENV PATH=/opt/edgeproof/bin:$PATH
USER 1000
WORKDIR /work
ENTRYPOINT ["edgeproof"]
CMD ["--help"]
