"""The app's pages in their order: the file, its title, and what somebody must be allowed to do to be offered it."""

PAGES = (
    ("overview", "Overview", "figures.look"),
    ("customers", "Customers", "customer.search"),
    ("segments", "Segments", "segment.look"),
    ("templates", "Templates", "template.look"),
    ("campaigns", "Campaigns", "campaign.look"),
    ("feedback", "Feedback", "feedback.look"),
    ("privacy", "Consent and privacy", "consent.look"),
    ("health", "Data health", "health.look"),
    ("own_data", "Your own data", "file.land"),
    ("settings", "Settings", "settings.look"),
)
