"""The packages in TypeScript, JavaScript, Go, Rust and C that the training text comes from, pinned.

Each ships its sources as they were written, under MIT, BSD, Apache-2.0, ISC, zlib's or curl's licence. What the
evaluation types, asks about or holds out is not among them.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class NpmPin:
    """A package of npm, "name@version", and the folder of its sources ("" for all)."""

    wanted: str
    folder: str = ""


# Never trained on: losses during training.
NPM_HELD_OUT = (NpmPin("ajv@8.20.0", "lib/"), NpmPin("ws@8.23.0", "lib/"))
NPM = (
    NpmPin("@grpc/grpc-js@1.14.7", "src/"),
    NpmPin("@jupyterlab/apputils@4.7.6", "src/"),
    NpmPin("@jupyterlab/notebook@4.6.6", "src/"),
    NpmPin("@jupyterlab/services@7.6.6", "src/"),
    NpmPin("@lumino/widgets@2.10.0", "src/"),
    NpmPin("@react-navigation/core@7.24.0", "src/"),
    NpmPin("@react-navigation/stack@7.12.1", "src/"),
    NpmPin("@tanstack/form-core@1.33.5", "src/"),
    NpmPin("@tanstack/router-core@1.171.39", "src/"),
    NpmPin("@tiptap/core@3.35.0", "src/"),
    NpmPin("@xterm/xterm@6.0.0", "src/"),
    NpmPin("axios@1.21.1", "lib/"),
    NpmPin("effect@4.1.0", "src/"),
    NpmPin("eslint@10.15.0", "lib/"),
    NpmPin("express@5.3.0", "lib/"),
    NpmPin("fastify@5.12.8"),
    NpmPin("joi@18.3.2", "lib/"),
    NpmPin("knex@3.3.0", "lib/"),
    NpmPin("koa@3.3.0", "lib/"),
    NpmPin("leaflet@1.9.4", "src/"),
    NpmPin("luxon@3.7.2", "src/"),
    NpmPin("mobx@7.1.3", "src/"),
    NpmPin("mongodb@7.9.0", "src/"),
    NpmPin("mongoose@9.12.1", "lib/"),
    NpmPin("ol@10.11.0"),
    NpmPin("preact@11.2.0"),
    NpmPin("prosemirror-model@1.25.13", "src/"),
    NpmPin("prosemirror-state@1.4.4", "src/"),
    NpmPin("prosemirror-transform@1.12.7", "src/"),
    NpmPin("ramda@0.32.0", "src/"),
    NpmPin("react-native-paper@5.15.3", "src/"),
    NpmPin("rxdb@17.6.0", "src/"),
    NpmPin("rxjs@7.8.2", "src/"),
    NpmPin("svelte@5.57.3", "src/"),
    NpmPin("three@0.187.0", "src/"),
    NpmPin("undici@7.30.2", "lib/"),
    NpmPin("vega-lite@6.4.3", "src/"),
    NpmPin("webpack@5.113.0", "lib/"),
)

# Of Debian: packages that hold Go, and crates of Rust ("name=version"), and source packages in C.
GO_HELD_OUT = ("golang-github-spf13-cobra-dev=1.8.1-1",)
GO = (
    "golang-1.24-src=1.24.4-1",
    "golang-etcd-server-dev=3.5.16-4",
    "golang-github-charmbracelet-bubbletea-dev=0.27.0-1",
    "golang-github-containerd-containerd-dev=1.7.24~ds1-6+deb13u1",
    "golang-github-docker-docker-dev=26.1.5+dfsg1-9+deb13u1",
    "golang-github-gin-gonic-gin-dev=1.8.1-3",
    "golang-github-go-chi-chi-dev=5.2.0-1",
    "golang-github-go-git-go-git-dev=5.14.0-1",
    "golang-github-jackc-pgx-v4-dev=4.18.1-2",
    "golang-github-labstack-echo-dev=4.12.0-1",
    "golang-github-miekg-dns-dev=1.1.64-1",
    "golang-github-minio-minio-go-v7-dev=7.0.89-1",
    "golang-github-nats-io-nats-server-dev=2.10.27-1",
    "golang-github-prometheus-client-golang-dev=1.21.1-1",
    "golang-github-prometheus-prometheus-dev=2.53.3+ds1-2",
    "golang-github-sirupsen-logrus-dev=1.9.0-1",
    "golang-github-spf13-viper-dev=1.12.0-1",
    "golang-github-urfave-cli-v2-dev=2.25.7-5",
    "golang-github-valyala-fasthttp-dev=1:1.59.0-2",
    "golang-go.uber-zap-dev=1.26.0-1",
    "golang-golang-x-net-dev=1:0.27.0-2",
    "golang-golang-x-tools-dev=1:0.25.0+ds-1",
    "golang-google-grpc-dev=1.64.0-7",
)
RUST_HELD_OUT = ("librust-bytes-dev=1.9.0-1",)
RUST = (
    "librust-actix-web-dev=4.9.0-2",
    "librust-axum-dev=0.7.9-13",
    "librust-bindgen-dev=0.71.1-4",
    "librust-bstr-dev=1.11.3-1",
    "librust-cargo-dev=0.86.0-2",
    "librust-chrono-dev=0.4.39-2",
    "librust-clap-builder-dev=4.5.23-1",
    "librust-crossterm-dev=0.27.0-5",
    "librust-diesel-dev=2.2.7-2",
    "librust-futures-util-dev=0.3.31-1",
    "librust-gimli-dev=0.31.1-2",
    "librust-h2-dev=0.4.7-3",
    "librust-handlebars-dev=5.1.2-3",
    "librust-hashbrown-dev=0.14.5-5",
    "librust-hyper-dev=1.5.2-1",
    "librust-image-dev=0.25.5-3",
    "librust-indexmap-dev=2.7.0-1",
    "librust-itertools-dev=0.13.0-3",
    "librust-nom-dev=7.1.3-1+b2",
    "librust-num-bigint-dev=0.4.6-1",
    "librust-object-dev=0.36.5-2",
    "librust-petgraph-dev=0.6.4-1+b2",
    "librust-quinn-proto-dev=0.11.9-1",
    "librust-rand-dev=0.8.5-1+b2",
    "librust-ratatui-dev=0.28.1-9",
    "librust-rayon-dev=1.10.0-1",
    "librust-regex-automata-dev=0.4.9-2",
    "librust-regex-syntax-dev=0.8.5-1",
    "librust-reqwest-dev=0.12.15-1",
    "librust-rustls-dev=0.23.26+ds-1",
    "librust-serde-dev=1.0.217-1",
    "librust-serde-json-dev=1.0.139-1",
    "librust-syn-dev=2.0.98-1",
    "librust-tera-dev=1.20.0-1",
    "librust-tokio-dev=1.43.1-1",
    "librust-toml-edit-dev=0.22.22-1",
    "librust-tracing-subscriber-dev=0.3.18-4",
    "librust-ureq-dev=3.0.11+~0.4.1-3",
    "librust-url-dev=2.5.4-3",
    "librust-winnow-dev=0.6.26-1",
)
C_HELD_OUT = ("jansson=2.14-2",)
C = (
    "cjson=1.7.18-3.1+deb13u1",
    "cmark=0.30.2-6",
    "dropbear=2025.89-1~deb13u1",
    "hiredis=1.2.0-6",
    "libarchive=3.7.4-4+deb13u1",
    "libsodium=1.0.18-1+deb13u1",
    "libssh2=1.11.1-1+deb13u2",
    "libuv1=1.50.0-2",
    "libzstd=1.5.7+dfsg-1",
    "lighttpd=1.4.79-2",
    "lua5.4=5.4.7-1",
    "mbedtls=3.6.6-0.1~deb13u1",
    "memcached=1.6.38-1",
    "tmux=3.5a-3",
    "wlroots=0.18.2-3",
)
