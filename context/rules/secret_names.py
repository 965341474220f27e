"""Knows by their names the files that are secrets as such. Secrets within other files are masked: `context/secrets`."""

import re
from fnmatch import translate

_SECRET_NAMES = """
.env .env.* .env_* .env-* *.env .envrc env.local env.dev env.development env.prod env.production env.staging env.test
.netrc _netrc .npmrc .pypirc .pgpass .my.cnf .htpasswd .git-credentials .dockercfg .dockerconfigjson docker-config*.json
.s3cfg .boto .vault-token credentials *.credentials client_secret*.json service-account*.json service_account*.json
secrets *.secret *.secrets kubeconfig id_rsa id_dsa id_ecdsa id_ed25519 *_rsa *_ed25519 *.pem *.key *.p8 *.p12 *.pfx
*.pkcs12 *.jks *.keystore *.kdb *.kdbx *.ppk *.crt *.cer *.der *.csr *.gpg *.asc *.ovpn *.tfstate *.tfstate.* *.tfvars
*.mobileprovision .terraformrc terraform.rc
"""
# Data of these names is a secret; source code that has such a name handles secrets.
_SECRET_STEMS = ["credential", "credentials", "secret", "secrets"]
_DATA_SUFFIXES = [
    "json",
    "json5",
    "jsonc",
    "yaml",
    "yml",
    "toml",
    "ini",
    "properties",
    "cfg",
    "conf",
    "config",
    "env",
    "txt",
    "xml",
    "plist",
    "csv",
    "db",
    "enc",
    "dat",
]
# Source code and examples, which only have such a name.
_HARMLESS_NAMES = """
*.py *.pyi *.js *.jsx *.ts *.tsx *.go *.rs *.java *.c *.h *.cc *.cpp *.hpp *.cs *.rb *.php *.kt
*.swift *.md *.rst *.html *.example *.sample *.template *.dist
"""
_PATTERNS = [
    *_SECRET_NAMES.split(),
    *(f"{stem}.{suffix}" for stem in _SECRET_STEMS for suffix in _DATA_SUFFIXES),
    *(f"{stem}.*.{suffix}" for stem in _SECRET_STEMS for suffix in _DATA_SUFFIXES),
]
_SECRET_NAME = re.compile("|".join(f"({translate(name)})" for name in _PATTERNS))
_HARMLESS_NAME = re.compile("|".join(map(translate, _HARMLESS_NAMES.split())))
_FOLDERS = {".aws", ".ssh", ".gnupg", ".kube", ".docker", ".azure", ".gcloud"}


def secret_by_name(path: str) -> str | None:
    """Return the rule that takes the path (from the root, with "/") for a secret, or None."""
    *folders, name = path.split("/")
    for folder in folders:
        if folder in _FOLDERS:
            return f"{folder}/ holds credentials"
    name = name.lower()
    if _HARMLESS_NAME.match(name) or not (match := _SECRET_NAME.match(name)):
        return None
    pattern = _PATTERNS[(match.lastindex or 1) - 1]
    return f"its name ({pattern}) says that it holds secrets"
