from ladders import errors
from ladders.errors import LadderError


def test_every_cause_has_a_code_of_its_own_that_the_tree_shows() -> None:
    causes = LadderError.__subclasses__()
    codes = [cause.code for cause in causes]
    assert len(set(codes)) == len(codes) == 7
    for cause in causes:
        assert f"{cause.__name__}" in str(errors.__doc__)
        assert cause.code in str(errors.__doc__)
        assert not cause.retryable
