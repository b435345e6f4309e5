"""`python -m image_pipeline.settings_table` prints the settings as the README has them."""

from image_pipeline.settings import Settings, variable_of


def settings_table() -> str:
    """The settings as a Markdown table, as in the README."""
    lines = ["| variable | default | meaning |", "|---|---|---|"]
    for name, field in Settings.model_fields.items():
        default = "" if field.default is None else f"`{field.default}`"
        lines.append(f"| `{variable_of(name)}` | {default} | {field.description} |")
    return "\n".join(lines)


if __name__ == "__main__":
    print(settings_table())
