"""Texts of profiles and settings, as people write them."""


def profile(
    *,
    name: str = "broken",
    fields: str = "",
    more: str = "",
    url: str = "https://example.com/partials.php",
    routing: str = "routing: [{customer_type: All, campaign: All, product: All}]",
) -> str:
    """A profile's file: the name on line 1; then what is asked for; URL and routing at the end."""
    lines = [f"name: {name}", fields, f"postback_url: {url}", more, routing]
    return "\n".join(line for line in lines if line) + "\n"
