{{ best_value(['given_name', 'family_name']) }}
