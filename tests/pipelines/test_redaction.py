"""What libraries say of an error, without the values that they quote."""

from pipelines.redaction import redacted


def test_an_error_of_a_library_is_told_without_values_addresses_or_numbers() -> None:
    said = (
        "Conversion Error: Could not convert 'Ada Lovelace' to INT\nin row ada@example.com +44 7400 123 456"
    )
    assert redacted(said) == "Conversion Error: Could not convert … to INT in row … …"
