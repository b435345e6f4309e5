"""HTTP interfaces: the inference service, which offers the models of one process to others."""
