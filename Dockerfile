# One image for every process of kak-server; the command chooses (docker-compose.yml). tests/tidy/test_containers.py
# holds this file against the tree.
FROM node:20-bookworm-slim AS console
WORKDIR /build/web
COPY web/package.json web/package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY docs/integrators/openapi.json /build/docs/integrators/openapi.json
COPY web ./
RUN npm run build

FROM python:3.11-slim-bookworm AS native
RUN apt-get update && apt-get install -y gcc libc6-dev
WORKDIR /build
COPY scripts/native.sh ./scripts/native.sh
COPY src/kak_server/media/engine/native ./src/kak_server/media/engine/native
RUN mkdir out && KAK_NATIVE_REQUIRED=1 scripts/native.sh python out

FROM python:3.11-slim-bookworm
RUN apt-get update \
 && apt-get install -y --no-install-recommends libopus0 espeak-ng \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /app
COPY requirements.lock ./
RUN pip install --no-cache-dir -r requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY src ./src
RUN pip install --no-cache-dir --no-deps -e .
COPY --from=native /build/out/ ./src/kak_server/media/engine/
COPY configs ./configs
COPY --from=console /build/web/dist ./web/dist
RUN useradd --system --uid 10113 --home-dir /var/lib/kak --create-home kak
USER kak
VOLUME /var/lib/kak
CMD ["kak-server", "--help"]
