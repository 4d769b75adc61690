"""The names of a user's own files below the config directory. Imports nothing: `ssh` waits for who reads them."""

CREDENTIALS = "credentials.json"
KNOWN_HOSTS = "ssh/known_hosts"
CLIENT_KEY = "ssh/id_sshore"
CERTIFICATES = "ssh/certs"
CERTIFICATE_SUFFIX = "-cert.pub"
