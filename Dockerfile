# One image for every process: operator, shard, gateway, simulator. It holds Node, one bundle of 6 MB, and no tree
# of packages. It runs as an ordinary user, on a read-only root.
ARG BASE=node:24-bookworm-slim

FROM ${BASE} AS build
WORKDIR /src
COPY package.json package-lock.json ./
# A machine whose registry needs settings gives them as the secret "npmrc".
RUN --mount=type=secret,id=npmrc,target=/root/.npmrc npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
COPY . .
RUN node scripts/bundle.ts /app

FROM ${BASE}
LABEL org.opencontainers.image.title="ticker-operator" \
  org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /app /app
ENV NODE_ENV=production
USER 1000:1000
WORKDIR /app
# Memory is bounded as in bin/ticker-operator.
ENV MALLOC_ARENA_MAX=1
ENTRYPOINT ["node", "--max-semi-space-size=4", "--heap-growing-percent=50", "--no-allocation-site-pretenuring", "/app/dist/main.js"]
CMD ["--help"]
