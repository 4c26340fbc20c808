#!/bin/sh
# Writes .env, if there is none: a copy of .env.example in which every secret is a new random one.
set -eu
cd "$(dirname "$0")/.."
[ ! -e .env ] || { echo ".env is there already, and is left as it is." >&2; exit 1; }
umask 077
while IFS= read -r line; do
  case $line in
    *_PASSWORD= | *_SECRET= | *_TOKEN=)
      case $line in
        GRAFANA_BI_PASSWORD=) echo "$line" ;; # made by sensorflow bi-user create
        *) echo "$line$(openssl rand -hex 24)" ;;
      esac ;;
    *) echo "$line" ;;
  esac
done < .env.example > .env
