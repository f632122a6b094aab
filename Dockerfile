# Every image of the system, from one build. A service: --target service --build-arg APP=provider (or operator-service,
# operator-engine, local-stack). A pod: --target pod-configuration, --target pod-publishing. A Kubernetes node that has the
# pods: --target k3s. docs/operations.md, "Images".
ARG NODE_IMAGE=node:24-bookworm-slim
ARG K3S_IMAGE=rancher/k3s:v1.34.1-k3s1
# An image whose root is an npm cache, for a build without network (scripts/build-images.sh makes one); else nothing.
ARG NPM_CACHE_IMAGE=scratch

FROM ${NPM_CACHE_IMAGE} AS npm-cache

FROM ${NODE_IMAGE} AS manifests
COPY . /source
WORKDIR /source
RUN mkdir /manifests && find . -name package.json -not -path '*/node_modules/*' -exec cp --parents {} /manifests/ ';' \
 && cp package-lock.json .npmrc /manifests/

# Its layers change with the manifests only.
FROM ${NODE_IMAGE} AS dependencies
ARG NPM_FLAGS=--prefer-offline
WORKDIR /source
COPY --from=manifests /manifests ./
RUN --mount=type=bind,from=npm-cache,target=/npm-cache,rw npm ci --cache /npm-cache ${NPM_FLAGS}

FROM dependencies AS build
ENV TURBO_TELEMETRY_DISABLED=1 DO_NOT_TRACK=1
COPY . .
RUN npm run build -- --ui=stream

FROM build AS collected
ARG APP
RUN test -n "${APP}" && node scripts/collect-app.mjs "${APP}" /app && cp deploy/docker/health.mjs /app/

# What all images share: the user, no shell of ours, nothing written but below mounted volumes.
FROM ${NODE_IMAGE} AS base
ENV NODE_ENV=production
WORKDIR /app
STOPSIGNAL SIGTERM
RUN cd /var/lib && mkdir -p /data c2d/shared c2d/state c2d/workspaces c2d/results && chown -R 1000:1000 /data c2d
USER 1000:1000

FROM base AS service
ARG APP
ENV C2D_APP=${APP}
LABEL org.opencontainers.image.title="c2d/${APP}" org.opencontainers.image.licenses=Apache-2.0
COPY --from=collected /app /app
HEALTHCHECK --interval=5s --timeout=4s --start-period=60s --retries=6 CMD ["node", "/app/health.mjs"]
# A small young generation: 30 MB less for who streams, at no cost that could be measured (bench/README.md).
CMD ["node", "--enable-source-maps", "--max-semi-space-size=2", "/app/start.mjs"]

# The engine brings the pods along: its process executor starts them as children.
FROM service AS operator-engine
COPY --from=build /source/apps/pod-configuration/dist/*.mjs /app/pods/pod-configuration/
COPY --from=build /source/apps/pod-publishing/dist/*.mjs /app/pods/pod-publishing/
ENV POD_CONFIGURATION_PROGRAM=/app/pods/pod-configuration/pod.mjs POD_PUBLISHING_PROGRAM=/app/pods/pod-publishing/pod.mjs

FROM base AS pod-configuration
LABEL org.opencontainers.image.title="c2d/pod-configuration" org.opencontainers.image.licenses=Apache-2.0
COPY --from=build /source/apps/pod-configuration/dist/*.mjs /app/
ENTRYPOINT ["node", "/app/pod.mjs"]

FROM base AS pod-publishing
LABEL org.opencontainers.image.title="c2d/pod-publishing" org.opencontainers.image.licenses=Apache-2.0
COPY --from=build /source/apps/pod-publishing/dist/*.mjs /app/
ENTRYPOINT ["node", "/app/pod.mjs"]

FROM build AS archived
RUN --mount=type=bind,from=base,target=/layers/base \
    --mount=type=bind,from=pod-configuration,source=/app,target=/layers/configuration/app \
    --mount=type=bind,from=pod-publishing,source=/app,target=/layers/publishing/app \
    node deploy/docker/archive-images.mjs /pods.tar /layers/base \
      c2d/pod-configuration:local=/layers/configuration c2d/pod-publishing:local=/layers/publishing

# The pods' images as one file: docker build --target archive --output DIR .
FROM scratch AS archive
COPY --from=archived /pods.tar /

FROM ${K3S_IMAGE} AS k3s
LABEL org.opencontainers.image.title="c2d/k3s" org.opencontainers.image.licenses=Apache-2.0
COPY --from=archived /pods.tar /usr/share/c2d/
COPY deploy/docker/k3s.sh /usr/share/c2d/
ENTRYPOINT ["/bin/sh", "/usr/share/c2d/k3s.sh"]
