"""The XML files of Enterprise SSO (ssomanage, ssops, ssoconfig) into manifests; nothing here is applied or stored."""
