"""What a foreign subject is."""

from probe_sandwich.tasks.languages.names import LanguageName, LanguageTask
from probe_sandwich.zoo.foreign.config import BEGIN, END, PAD

from tests.zoo.foreign.plans import plan


def test_special_symbols_follow_those_of_the_task() -> None:
    config = plan(task=LanguageTask(name=LanguageName.PARITY)).config
    assert config.vocabulary == ("a", "b", BEGIN, END, PAD)


def test_a_table_holds_framed_inputs_of_four_times_the_training_length() -> None:
    framed, bare = plan().config, plan(begins=False, ends=False).config
    assert (framed.max_positions, bare.max_positions) == (4 * 12 + 2, 4 * 12)
