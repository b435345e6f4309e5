"""What only the system of containers needs: Dagster's configuration, and a proxy of the Docker engine."""
