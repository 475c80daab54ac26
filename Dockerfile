# One file, one target per app:
#   docker build --target api -t guestkit-api .      docker build --target worker -t guestkit-worker .
# The sources run as they are (Node strips the types): building is installing packages and warming the compile cache.
ARG NODE_IMAGE=node:26-slim

FROM ${NODE_IMAGE} AS manifests
WORKDIR /opt/guestkit
COPY package.json package-lock.json ./
COPY apps/api/package.json apps/api/
COPY apps/worker/package.json apps/worker/
COPY apps/cli/package.json apps/cli/
COPY packages/core/package.json packages/core/
COPY packages/disk/package.json packages/disk/
COPY packages/guest/package.json packages/guest/
COPY packages/operations/package.json packages/operations/

FROM manifests AS api-packages
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund --workspace=@guestkit/api

FROM manifests AS worker-packages
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund --workspace=@guestkit/worker

# What both running images share: an unprivileged user, a data folder, and an init that reaps and forwards signals as PID 1
FROM ${NODE_IMAGE} AS runtime
ENV NODE_ENV=production \
    NODE_COMPILE_CACHE=/opt/guestkit/.compile-cache \
    GUESTKIT_DATA_DIR=/var/lib/guestkit
RUN apt-get update \
 && apt-get install -y --no-install-recommends tini \
 && rm -rf /var/lib/apt/lists/* \
 && groupadd --system --gid 10001 guestkit \
 && useradd --system --uid 10001 --gid guestkit --no-create-home --home-dir /nonexistent guestkit \
 && install -d -o guestkit -g guestkit /var/lib/guestkit /results /artifacts \
 && install -d /images
WORKDIR /opt/guestkit
STOPSIGNAL SIGTERM
ENTRYPOINT ["tini", "--"]

FROM runtime AS api
COPY --from=api-packages /opt/guestkit ./
COPY packages/core packages/core
COPY apps/api apps/api
RUN node -e "await import('/opt/guestkit/apps/api/src/node.ts')" --input-type=module
ENV GUESTKIT_HOST=0.0.0.0 \
    GUESTKIT_PORT=8080
USER guestkit
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s \
  CMD ["node", "-e", "fetch('http://127.0.0.1:8080/health/live').then(r => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "apps/api/src/main.ts"]

FROM runtime AS worker
COPY --from=worker-packages /opt/guestkit ./
COPY packages packages
COPY apps/worker apps/worker
RUN node -e "await import('/opt/guestkit/apps/worker/src/worker.ts')" --input-type=module
ENV GUESTKIT_IMAGE_ROOTS=/images \
    GUESTKIT_OUTPUT_ROOTS=/results \
    GUESTKIT_METRICS_HOST=0.0.0.0 \
    GUESTKIT_METRICS_PORT=9090
USER guestkit
EXPOSE 9090
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s \
  CMD ["node", "-e", "fetch('http://127.0.0.1:9090/health').then(r => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "apps/worker/src/main.ts"]
