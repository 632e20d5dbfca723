# Telltale for stages that are processes of their own: without the embedded store, which is 540 MB. docs/compose.md.

FROM node:22.22.2-bookworm-slim AS build
WORKDIR /src
COPY package.json package-lock.json .npmrc ./
# chDB is the only dependency that comes for glibc alone: whoever asks for musl does not get it. (`--omit=optional`
# would leave out the native part of lmdb, too, without which nothing starts. That part is for both.)
RUN npm ci --libc=musl
COPY . .
# What is shipped, as package.json says, with what it needs to run.
RUN npm run build \
  && npm pack --silent \
  && mkdir /app \
  && tar -xzf telltale-*.tgz -C /app --strip-components=1 \
  && cp package-lock.json .npmrc /app/ \
  && cd /app \
  && npm ci --omit=dev --libc=musl

FROM node:22.22.2-bookworm-slim
LABEL org.opencontainers.image.title="Telltale" \
  org.opencontainers.image.description="Streaming behavioral monitoring and detection for AI agents" \
  org.opencontainers.image.licenses="Apache-2.0"
ENV NODE_ENV=production
COPY --from=build /app /app
# A number, so that Kubernetes can see that it is not root. All that it may write is its data.
RUN install -d -o 10001 -g 10001 -m 0700 /var/lib/telltale
USER 10001:10001
# Where telltale.yml is looked for.
WORKDIR /etc/telltale
EXPOSE 4317 4318 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s --retries=3 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:8080/readyz').then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "--max-semi-space-size=64", "--v8-pool-size=2", "/app/dist/cli.js"]
CMD ["--help"]
