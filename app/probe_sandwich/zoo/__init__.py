"""The zoo: many subjects trained by one recipe, each labelled by the length test."""
