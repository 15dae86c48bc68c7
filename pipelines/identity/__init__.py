"""Who is whom: keys, people, and ids that outlive every rebuild. Start at people.py."""
