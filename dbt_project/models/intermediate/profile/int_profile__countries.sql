{{ best_value(['country']) }}
