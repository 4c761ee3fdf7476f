# tokentrayctl run in a container. docs/GUIDE.md says how to use it.
FROM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=0 go build -trimpath -o /out/tokentrayctl ./cmd/tokentrayctl
RUN mkdir -m 0700 /out/data

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /out/tokentrayctl /tokentrayctl
# The accounts, their key, the settings (.env), the log and the socket. Its
# owner is the user below; a folder of the host must be too.
COPY --from=build --chown=65532:65532 /out/data /data
ENV TOKENTRAY_HOME=/data
VOLUME /data
USER 65532:65532
# A refresh in flight is finished and stored first: docker run --stop-timeout 60
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=1m --timeout=30s --start-period=30s CMD ["/tokentrayctl", "status", "--short"]
ENTRYPOINT ["/tokentrayctl"]
CMD ["run"]
