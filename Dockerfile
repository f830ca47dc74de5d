# A gateway in an image that has nothing else in it.
#
#   docker build -t guestlist .
#   docker run -p 5020:5020 -v guestlist-data:/data -e GUESTLIST_ADMIN_TOKEN=… guestlist
#
# With features that are off by default, several with commas: docker build --build-arg FEATURES=cluster -t guestlist:cluster .
#
# It listens on all addresses of its container, and so does not take --demo, whose tokens everybody knows.

# Alpine's Rust links with musl, statically. A C compiler is needed for mimalloc and ring.
FROM rust:1.95-alpine AS build
ARG FEATURES=
RUN apk add --no-cache gcc musl-dev ca-certificates
# What etcd is spoken with is made of its description by protoc, with the descriptions that come with protoc itself.
RUN case ",$FEATURES," in *,cluster,*) apk add --no-cache protoc protobuf-dev ;; esac
WORKDIR /build
COPY . .
RUN cargo build --locked --release --bin guestlist --features "$FEATURES" \
 && mkdir /data

FROM scratch
# Whom `record`, `call` and the like trust; the gateway itself needs nobody.
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /build/target/release/guestlist /guestlist
# A volume takes its owner from here.
COPY --from=build --chown=65532:65532 /data /data
USER 65532:65532
ENV GUESTLIST_DATA=/data GUESTLIST_LISTEN=0.0.0.0:5020
VOLUME /data
EXPOSE 5020
# With --tls-cert, GUESTLIST_URL says wss:// and a name that the certificate has.
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s CMD ["/guestlist", "health"]
ENTRYPOINT ["/guestlist"]
CMD ["serve"]
