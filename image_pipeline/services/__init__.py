"""What programs ask for, without Dagster or HTTP: search, status, verification."""
