"""Scores of customers and of what they say: lifetime value, churn, sentiment. Cited, and refused on too little data."""
