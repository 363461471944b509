use std::{
    any::{Any, TypeId},
    collections::BTreeMap,
    fmt,
    sync::Arc,
};

/// Capabilities that this crate does not know, one of each type.
#[derive(Clone, Default)]
pub(super) struct Extensions(BTreeMap<TypeId, Extension>);

#[derive(Clone)]
struct Extension {
    value: Arc<dyn Any + Send + Sync>,
    type_name: &'static str,
}

impl Extensions {
    pub(super) fn insert<T: Any + Send + Sync>(&mut self, extension: Arc<T>) {
        let type_name = std::any::type_name::<T>();
        self.0.insert(TypeId::of::<T>(), Extension { value: extension, type_name });
    }

    pub(super) fn get<T: Any + Send + Sync>(&self) -> Option<Arc<T>> {
        let found = self.0.get(&TypeId::of::<T>())?;
        Arc::clone(&found.value).downcast().ok()
    }
}

impl fmt::Debug for Extensions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.values().map(|extension| extension.type_name)).finish()
    }
}
