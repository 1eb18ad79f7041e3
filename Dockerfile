# The trainer with its page, on CPUs and through Vulkan: docker build --tag pix2pix .
FROM rust:1.95-bookworm AS build
WORKDIR /sources
COPY . .
ARG PIX2PIX_COMMIT
RUN cargo xtask release-archive \
    && mkdir /trainer \
    && tar --extract --gzip --strip-components 1 --directory /trainer --file target/release-archive/*.tar.gz

FROM debian:bookworm-slim
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates libvulkan1 mesa-vulkan-drivers \
    && rm -rf /var/lib/apt/lists/*
COPY --from=build /trainer /opt/trainer
# NVIDIA's driver comes from outside, with `docker run --gpus all`.
ENV PATH=/opt/trainer:$PATH NVIDIA_DRIVER_CAPABILITIES=compute,graphics,utility
WORKDIR /work
ENTRYPOINT ["trainer"]
