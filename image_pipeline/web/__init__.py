"""The search page and the API below it, `/api/v1`: routes over the services, behind a door."""
