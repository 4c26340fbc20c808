#!/bin/sh
# Ends with 1 if a secret in the environment is one of the demo's, which everybody can read, or short.
set -eu
status=0
for name in $(env | sed -n 's/^\([A-Z_]*_\(PASSWORD\|SECRET\|TOKEN\)\)=.*/\1/p' | sort); do
  eval "value=\$$name"
  case $value in
    demo-only-*) problem="is the demo's, which is published" ;;
    *[!A-Za-z0-9._~-]*) problem="has characters that a URL would need to escape" ;;
    *) [ ${#value} -ge 32 ] && continue || problem="is shorter than 32 characters" ;;
  esac
  echo "$name $problem. Make one by: openssl rand -hex 24" >&2
  status=1
done
exit $status
