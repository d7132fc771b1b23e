"""An attack on mlbias: hostile input, full disks, signals at any moment, each case judged.

    python -m benchmarks.attack --seed 0 --share 0.01

A case is well if nothing of the user's is lost or half-written, nothing is silently wrong, and the
command says in a sentence what it cannot do. Every case has a number: with the seed it makes the
same case again, as in `--kind archives --case 17`.
"""
