"""The clients that a run can be limited to: what each needs stands in the contract."""

from __future__ import annotations

CLIENT_NAMES = {
    "terraform": "Terraform",
    "gcloud": "gcloud",
    "google-cloud-compute": "google-cloud-compute for Python",
    "google-api-python-client": "google-api-python-client",
    "google-cloud-node": "@google-cloud/compute for Node",
    "libcloud": "Apache Libcloud",
    "ansible": "Ansible google.cloud",
    "config-connector": "Kubernetes Config Connector",
}
"""How `--for` names each, and its own name."""
