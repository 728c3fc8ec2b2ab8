"""The pages, one file each; the router runs them."""
