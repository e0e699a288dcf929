# The HTTP service, or with `docker run -i IMAGE serve` the server on stdio. docs/deploy.md has the rest.

FROM python:3.13-slim-trixie AS build
WORKDIR /opt/src
COPY . .
# Without pip in it: what is not there cannot be used by whoever gets in. Compiled now, and by content: at
# run time the file system is read-only, and layers may change the times of files.
RUN python -m venv --without-pip /opt/texml-mcp \
 && python -m pip --python /opt/texml-mcp/bin/python install --no-cache-dir --no-compile \
      --constraint constraints.txt ".[redis,prometheus]" \
 && /opt/texml-mcp/bin/python -m compileall -q -j 0 --invalidation-mode unchecked-hash /opt/texml-mcp/lib

FROM python:3.13-slim-trixie
# A fixed number, so that volumes and secrets can be given to it. The directory is made here because a new
# volume takes over the owner and the rights of what it covers.
RUN useradd --uid 10001 --user-group --no-create-home --home-dir /var/lib/texml-mcp --shell /usr/sbin/nologin texml \
 && install --directory --owner texml --group texml --mode 0700 /var/lib/texml-mcp
COPY --from=build /opt/texml-mcp /opt/texml-mcp
ENV PATH=/opt/texml-mcp/bin:/usr/local/bin:/usr/bin:/bin \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    TEXML_MCP_STATE_DIR=/var/lib/texml-mcp
USER 10001:10001
WORKDIR /var/lib/texml-mcp
VOLUME ["/var/lib/texml-mcp"]
EXPOSE 8000
# Alive, not ready: starting a replica anew would not mend its Redis. A proxy asks /readyz.
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s --retries=3 CMD ["python", "-c", "import http.client, os, sys; c = http.client.HTTPConnection('127.0.0.1', int(os.environ.get('TEXML_MCP_PORT', '8000')), timeout=4); c.request('GET', '/healthz'); sys.exit(c.getresponse().status != 200)"]
ENTRYPOINT ["texml-mcp"]
CMD ["serve", "--http", "--host", "0.0.0.0"]
