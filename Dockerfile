# The service without its build tools. docs/how-to/deploying.md describes how to run it.

FROM node:22-bookworm-slim AS build
WORKDIR /build
COPY package.json package-lock.json .npmrc ./
# --ignore-scripts: prepare would build sources that are not copied yet, and no dependency needs its scripts.
RUN npm ci --engine-strict --ignore-scripts
COPY . .
RUN npm run build
RUN npm pack --ignore-scripts --pack-destination /tmp && mv /tmp/latchkey-*.tgz /tmp/latchkey.tgz

FROM node:22-bookworm-slim AS install
WORKDIR /app
COPY --from=build /tmp/latchkey.tgz /tmp/latchkey.tgz
RUN tar -xzf /tmp/latchkey.tgz --strip-components=1 && chmod +x dist/cli/main.js
# Installs the versions of the lock file, which are the tested ones.
COPY package-lock.json .npmrc ./
RUN npm ci --omit=dev --ignore-scripts
RUN mkdir -m 0700 /data

FROM node:22-bookworm-slim
ENV NODE_ENV=production
ENV HOST=0.0.0.0
ENV DATA_DIR=/data
COPY --from=install /app /app
# The user node of the image, as a number, because Kubernetes needs the number to check that it is not root.
COPY --from=install --chown=1000:1000 /data /data
RUN ln -s /app/dist/cli/main.js /usr/local/bin/latchkey
WORKDIR /data
USER 1000:1000
VOLUME /data
EXPOSE 4000
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT ?? 4000}/healthz`).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
# Starts Node without a shell or npm, so that it receives SIGTERM and finishes running requests.
CMD ["node", "/app/dist/main.js"]
