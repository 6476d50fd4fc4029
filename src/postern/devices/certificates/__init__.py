"""The certificate that the hub is served with: one's own, by ACME, or from a local CA."""
