"""Names of environment variables and hyperparameters."""

SAGEMAKER_PREFIX = "sagemaker_"
USER_PROGRAM_PARAM = "sagemaker_program"
USER_PROGRAM_ENV = USER_PROGRAM_PARAM.upper()
SUBMIT_DIR_PARAM = "sagemaker_submit_directory"
SUBMIT_DIR_ENV = SUBMIT_DIR_PARAM.upper()
LOG_LEVEL_PARAM = "sagemaker_container_log_level"
LOG_LEVEL_ENV = LOG_LEVEL_PARAM.upper()
JOB_NAME_PARAM = "sagemaker_job_name"
JOB_NAME_ENV = JOB_NAME_PARAM.upper()
REGION_NAME_PARAM = "sagemaker_region"
REGION_NAME_ENV = REGION_NAME_PARAM.upper()
CURRENT_HOST_ENV = "CURRENT_HOST"
TRAINING_JOB_ENV = "TRAINING_JOB_NAME"
DEFAULT_INVOCATIONS_ACCEPT_ENV = "SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT"
