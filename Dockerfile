# The service, without what is only for making it. docs/deploying.md says how to run it.

FROM node:22-bookworm-slim AS build
WORKDIR /build
COPY package.json package-lock.json .npmrc ./
# Without scripts: prepare would build what is not here yet, and no dependency needs its own.
RUN npm ci --engine-strict --ignore-scripts
COPY . .
RUN npm run build
RUN npm pack --ignore-scripts --pack-destination /tmp && mv /tmp/latchkey-*.tgz /tmp/latchkey.tgz

FROM node:22-bookworm-slim AS install
WORKDIR /app
COPY --from=build /tmp/latchkey.tgz /tmp/latchkey.tgz
RUN tar -xzf /tmp/latchkey.tgz --strip-components=1 && chmod +x dist/cli/main.js
# What is installed is what the lock file names, and so what was tested.
COPY package-lock.json .npmrc ./
RUN npm ci --omit=dev --ignore-scripts
RUN mkdir -m 0700 /data

FROM node:22-bookworm-slim
ENV NODE_ENV=production
ENV HOST=0.0.0.0
ENV DATA_DIR=/data
COPY --from=install /app /app
# The image's user node, by number: Kubernetes judges by that whether it is root.
COPY --from=install --chown=1000:1000 /data /data
RUN ln -s /app/dist/cli/main.js /usr/local/bin/latchkey
WORKDIR /data
USER 1000:1000
VOLUME /data
EXPOSE 4000
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT ?? 4000}/healthz`).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
# Node itself, with no shell or npm between: it gets SIGTERM and finishes what runs.
CMD ["node", "/app/dist/main.js"]
