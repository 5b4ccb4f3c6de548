"""Google's side of gcloud, on loopback: an API that records, and the steps of a build."""
