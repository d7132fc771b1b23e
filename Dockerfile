# mlbias in a container, for a user without rights and a root file system that is read-only:
#
#   docker build --tag mlbias .
#   docker run --rm --read-only --user "$(id -u):$(id -g)" --volume "$PWD:/data" mlbias train --data ratings.csv
#
# Nothing is written outside of /data, where the command runs.
FROM python:3.13-slim AS build
WORKDIR /source
COPY pyproject.toml README.md LICENSE ./
COPY mlbias ./mlbias
RUN python -m venv /opt/mlbias && /opt/mlbias/bin/pip install --no-cache-dir .

FROM python:3.13-slim
COPY --from=build /opt/mlbias /opt/mlbias
ENV PATH=/opt/mlbias/bin:$PATH PYTHONDONTWRITEBYTECODE=1
RUN mkdir /data && chown 10001:10001 /data
USER 10001:10001
WORKDIR /data
ENTRYPOINT ["mlbias"]
CMD ["--help"]
