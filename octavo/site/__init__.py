"""From documents to a site: what is published, at which addresses, with which pages, checks and assets."""
