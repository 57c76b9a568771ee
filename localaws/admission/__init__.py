"""What AWS would refuse is refused before any service sees it.

``reading`` reads a request by its service's model, ``validation`` holds it against the model,
``services`` against what the models do not say; ``templates`` and ``schemas`` do the same for
CloudFormation. Nothing here knows MiniStack: ``localaws.ministack.admission`` puts it in place.
"""
