"""The CloudFormation resource types of SageMaker and Application Auto Scaling."""
