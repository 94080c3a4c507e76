#!/bin/sh
# secrets.sh: make the secrets of compose.yaml in deploy/secrets, as root, once. Each belongs to the
# user that reads it in its container. cert.pem and key.pem are yours to put there.
set -eu
cd "$(dirname "$0")"
umask 077
mkdir secrets
random() { head -c 32 /dev/urandom | od -An -tx1 | tr -d ' \n'; }
give() { chown "$1" "secrets/$2" && chmod 400 "secrets/$2"; }

random > secrets/token
cp secrets/token secrets/prometheus-token
random > secrets/turn-secret
{ cat coturn/turnserver.conf; echo "static-auth-secret=$(cat secrets/turn-secret)"; } > secrets/turnserver.conf
random > secrets/grafana-password
: > secrets/cert.pem
: > secrets/key.pem
for name in token cert.pem key.pem turn-secret; do give 10001 "$name"; done
give 65534 prometheus-token
give 65534 turnserver.conf
give 472 grafana-password
echo "Put your certificate into deploy/secrets/cert.pem and key.pem (with cat, so that they keep"
echo "their owner), the server's address into secrets/turnserver.conf (allowed-peer-ip), and the"
echo "relay's into visavis.toml (turn_servers)."
